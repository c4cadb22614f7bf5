import type { RecordedResource } from '../../core/resource.ts'

/** What becomes of a certificate's versions when it is deleted. */
export function fateOfCertificate({ lifecycle, spec }: RecordedResource): string {
  const where = spec.account === undefined ? '' : ' at the CA'
  return {
    retain: 'its certificates and keys stay in the inventory',
    revoke: `its certificates are revoked${where}, its keys stay`,
    destroy: `its certificates are revoked${where} and its keys destroyed`,
  }[lifecycle.onDelete ?? 'retain']
}
