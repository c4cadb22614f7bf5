import { expect, test } from 'vitest'
import { commit, entry, tenant } from '../../contract/samples.ts'
import { openFile } from './open-file.ts'
import { sqliteStore } from './store.ts'

const where = `where tenant = '${tenant}' and log = 'audit'`
const tampered: [what: string, sql: string, fault: string][] = [
  ['changed words', `update log_entry set data = '{"note":"x"}' ${where} and sequence = 2`, 'entry 2 is not what was'],
  [
    'a changed actor',
    `update log_entry set actor = 'bob' ${where} and sequence = 3`,
    'entry 3 is not what was written',
  ],
  ['a changed time', `update log_entry set at = '2020' ${where} and sequence = 1`, 'entry 1 is not what was written'],
  ['a removed entry', `delete from log_entry ${where} and sequence = 2`, 'no entry 2 before entry 3'],
  ['a removed beginning', `delete from log_entry ${where} and sequence = 1`, 'no entry 1 before entry 2'],
  ['a cut end', `delete from log_entry ${where} and sequence = 4`, 'ends at 3, but 4 were written'],
  ['a log that is gone', `delete from log_entry ${where}`, 'ends at 0, but 4 were written'],
  [
    'a hash of one’s own',
    `update log_entry set hash = 'ab' ${where} and sequence = 4`,
    'entry 4 is not what was written',
  ],
  ['a lost head', `delete from log_head ${where}`, 'ends with entry 4, which is not the last that was written'],
]
test.each(tampered)('verify notices %s', async (_what, sql, fault) => {
  const file = await openFile(':memory:')
  const store = sqliteStore(file)
  await commit(
    store,
    [1, 2, 3, 4].map(n => entry('audit', { subject: `${n}` })),
  )
  await commit(store, [entry('audit')], { tenant: 'other' })
  expect(await store.verify(tenant)).toEqual([])
  file.database.exec(sql)
  expect(await store.verify(tenant)).toEqual([expect.stringContaining(fault)])
  expect(await store.verify('other')).toEqual([])
  await store.close()
})
