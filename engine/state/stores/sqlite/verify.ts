import { sql } from 'kysely'
import { identityOf, readSnapshot } from './declared.ts'
import { openOperations } from './journal.ts'
import { auditFaults } from './logs.ts'
import { query, type Runner } from './query.ts'
import { findSealed } from './sealed.ts'

/** What is wrong with a tenant's state and the file that holds it, as sentences. */
export function verifyState(runner: Runner, tenant: string): string[] {
  return [
    ...fileFaults(runner),
    ...declaredFaults(runner, tenant),
    ...keyFaults(runner, tenant),
    ...auditFaults(runner, tenant),
  ]
}

function fileFaults(runner: Runner): string[] {
  const integrity = runner.select(sql<{ integrity_check: string }>`pragma integrity_check`.compile(query))
  const foreign = runner.select(sql<{ table: string }>`pragma foreign_key_check`.compile(query))
  return [
    ...integrity.map(row => row.integrity_check).filter(told => told !== 'ok'),
    ...foreign.map(row => `a row of the table "${row.table}" names a data key that does not exist`),
  ]
}

function declaredFaults(runner: Runner, tenant: string): string[] {
  const { resources } = readSnapshot(runner, tenant)
  const serial = identityOf(runner, tenant)?.serial ?? 0
  const addresses = new Set<string>(resources.map(resource => resource.address))
  return resources.flatMap(({ address, revision, dependsOn }) => [
    ...(revision > serial ? [`${address} has revision ${revision}, beyond the serial ${serial}`] : []),
    ...dependsOn
      .filter(dependency => !addresses.has(dependency))
      .map(dependency => `${address} depends on ${dependency}, which is not recorded`),
  ])
}

function keyFaults(runner: Runner, tenant: string): string[] {
  const lost = runner.select(
    query
      .selectFrom('certificate')
      .leftJoin('sealed', join =>
        join.onRef('sealed.tenant', '=', 'certificate.tenant').onRef('sealed.id', '=', 'certificate.key_id'),
      )
      .select(['certificate.id', 'certificate.key_id'])
      .where('certificate.tenant', '=', tenant)
      .where('certificate.key_id', 'is not', null)
      .where('sealed.id', 'is', null)
      .compile(),
  )
  const open = openOperations(runner, tenant).flatMap(operation =>
    operation.steps.flatMap(step =>
      Object.values(step.sealed)
        .filter(id => findSealed(runner, tenant, id) === undefined)
        .map(id => `the open operation ${operation.id} on ${operation.address} names the missing sealed row ${id}`),
    ),
  )
  return [...lost.map(row => `certificate ${row.id} names the missing private key ${row.key_id}`), ...open]
}
