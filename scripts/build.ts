import { join } from 'node:path'
import { bundle } from './build/bundle.ts'
// Types, catalogue and validators first: the bundle contains them.
import './generate.ts'

await bundle(join(import.meta.dirname, '..', 'dist'))
