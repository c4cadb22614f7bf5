/** `trustform validate` of one small file against the bare start of Node, both as whole processes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFleet } from './fleet.ts'
import { rounded, sideBySide } from './measure.ts'
import type { BenchResult } from './result.ts'

const small = `apiVersion: trustform/v1
kind: CertificateAuthority
metadata: {name: root}
spec: {type: root, commonName: Small Root CA}
`

export async function run(): Promise<BenchResult[]> {
  const fleet = createFleet(0)
  try {
    const file = join(fleet.folder, 'small.yaml')
    writeFileSync(file, small)
    const bare = { command: process.execPath, args: ['-e', '0'] }
    const { ours, theirs, ratio } = await sideBySide(fleet.command('validate', '-f', file), bare, 41)
    return [
      {
        name: 'validate of one small file beside node -e 0',
        figures: {
          validateMilliseconds: rounded(ours * 1000, 1),
          nodeMilliseconds: rounded(theirs * 1000, 1),
          ratio: rounded(ratio),
        },
        gate: { want: 'ratio < 2.5', met: ratio < 2.5 },
      },
    ]
  } finally {
    fleet.remove()
  }
}
