import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../index.ts'
import type { Define } from '../context.ts'
import { exit } from '../io.ts'
import { starter } from '../starter.ts'

const file = 'trustform.yaml'

export const define: Define = (command, action) => {
  command.argument('[dir]', 'folder to write to, created when it is not there', '.').action(
    action(async ({ io }, folder: string) => {
      const path = join(folder, file)
      await create(folder, path)
      const option = `-f ${/^[\w./-]+$/.test(path) ? path : JSON.stringify(path)}`
      io.stdout.write(`${path}\n`)
      io.stderr.write(`It applies as it is:\n\n  trustform plan ${option}\n  trustform apply ${option}\n`)
      return exit.done
    }),
  )
}

/** Never overwrites: what is there may be the only copy. */
async function create(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    const created = await open(path, 'wx')
    try {
      await created.writeFile(starter)
    } finally {
      await created.close()
    }
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    throw new EngineError('usage', exists ? `${path} exists already` : `cannot write ${path}`, {
      remedy: exists ? 'name another folder, or edit that file' : 'check that the folder may be written to',
      cause,
    })
  }
}
