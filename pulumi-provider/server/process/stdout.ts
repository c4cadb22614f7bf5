import { Console } from 'node:console'

// The CLI reads the port from standard output and takes anything before it for an error. Imported first, so that no
// package gets hold of the console that writes there.
globalThis.console = new Console(process.stderr, process.stderr)
