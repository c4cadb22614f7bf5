import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { describeStateStore } from '../../contract.ts'
import { openStore } from '../../open.ts'
import type { StateStore } from '../../store.ts'

const folders: string[] = []
const opened: StateStore[] = []

async function open(url: string): Promise<StateStore> {
  const store = await openStore(url)
  opened.push(store)
  return store
}

describeStateStore('sqlite', {
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), 'trustform-sqlite-'))
    folders.push(folder)
    return open(`sqlite:${join(folder, 'state.db')}`)
  },
  again: store => open(store.url),
})

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
