import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogueModule } from './generate/catalogue.ts'
import { referenceDocument } from './generate/reference.ts'
import { readSchemas } from './generate/schema-files.ts'
import { typesModule } from './generate/types.ts'
import { writeValidators } from './generate/validators.ts'

// Everything that is derived from schemas/; types, catalogue and docs are committed, validators are not.
const folder = join(import.meta.dirname, '..', 'schemas')
const generated = join(folder, 'generated')
const schemas = readSchemas(folder)
mkdirSync(generated, { recursive: true })
writeFileSync(join(generated, 'catalogue.ts'), catalogueModule(schemas))
writeFileSync(join(generated, 'types.ts'), await typesModule(schemas))
writeFileSync(join(folder, '..', 'docs', 'reference.md'), referenceDocument(schemas))
await writeValidators(schemas, join(generated, 'validators'))
