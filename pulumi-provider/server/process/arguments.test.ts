import { expect, test } from 'vitest'
import { type PluginArguments, parseArguments } from './arguments.ts'

const plain: PluginArguments = { engineAddress: '127.0.0.1:40123', port: 0, version: false }

const cases: [argv: string, want: Partial<PluginArguments>][] = [
  ['127.0.0.1:40123', {}],
  ['--logtostderr -v=9 127.0.0.1:40123', {}],
  ['--tracing http://127.0.0.1:9411 127.0.0.1:40123', {}],
  ['--tracing=http://127.0.0.1:9411 127.0.0.1:40123', {}],
  ['--not-invented-yet --nor=this 127.0.0.1:40123', {}],
  ['127.0.0.1:40123 --logtostderr', {}],
  ['', { engineAddress: undefined }],
  ['--port 45555', { engineAddress: undefined, port: 45555 }],
  ['--port=45555', { engineAddress: undefined, port: 45555 }],
  ['--version', { engineAddress: undefined, version: true }],
]
test.each(cases)('%s', (argv, want) => {
  expect(parseArguments(argv.split(' ').filter(Boolean))).toEqual({ ...plain, ...want })
})

test.each(['--port', '--port x', '--port 65536', '--port -1'])('%s is refused', argv => {
  expect(() => parseArguments(argv.split(' '))).toThrow(/^--port takes a number up to 65535, not /)
})
