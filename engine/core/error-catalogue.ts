/** How a caller may react to an error without reading its words. */
export interface ErrorFacts {
  /** HTTP status of the problem document (RFC 9457). */
  readonly status: number
  /** What must happen before trying again can help. */
  readonly retry: 'never' | 'after-edit' | 'after-approval' | 'wait' | 'at-once'
}

/**
 * The complete list of errors that a user can meet. The documentation and the OpenAPI document print this table;
 * a code is a contract and never changes its meaning.
 */
export const errorCatalogue = {
  // What the user wrote
  usage: { status: 400, retry: 'after-edit' },
  yaml_syntax: { status: 422, retry: 'after-edit' },
  yaml_refused: { status: 422, retry: 'after-edit' },
  input_too_large: { status: 413, retry: 'after-edit' },
  input_unreadable: { status: 422, retry: 'after-edit' },
  input_empty: { status: 422, retry: 'after-edit' },
  kind_unknown: { status: 422, retry: 'after-edit' },
  field_unknown: { status: 422, retry: 'after-edit' },
  schema_violation: { status: 422, retry: 'after-edit' },
  duplicate_resource: { status: 422, retry: 'after-edit' },
  reference_unknown: { status: 422, retry: 'after-edit' },
  reference_ambiguous: { status: 422, retry: 'after-edit' },
  reference_cycle: { status: 422, retry: 'after-edit' },
  literal_secret: { status: 422, retry: 'after-edit' },
  secret_unresolved: { status: 422, retry: 'after-edit' },
  address_invalid: { status: 400, retry: 'after-edit' },
  not_found: { status: 404, retry: 'after-edit' },
  // What the plan refuses
  plan_blocked: { status: 409, retry: 'after-approval' },
  preflight_failed: { status: 422, retry: 'after-edit' },
  blast_radius: { status: 409, retry: 'after-approval' },
  plan_stale: { status: 409, retry: 'after-edit' },
  plan_tampered: { status: 422, retry: 'never' },
  owned_by: { status: 409, retry: 'after-edit' },
  role_violation: { status: 422, retry: 'after-edit' },
  validity_exceeds_issuer: { status: 422, retry: 'after-edit' },
  name_constraint_violation: { status: 422, retry: 'after-edit' },
  name_invalid: { status: 422, retry: 'after-edit' },
  ca_constraint_violation: { status: 422, retry: 'after-edit' },
  csr_invalid: { status: 422, retry: 'after-edit' },
  certificate_invalid: { status: 422, retry: 'after-edit' },
  key_refused: { status: 422, retry: 'after-edit' },
  ca_expired: { status: 409, retry: 'after-edit' },
  in_use: { status: 409, retry: 'after-edit' },
  looks_renamed: { status: 409, retry: 'after-edit' },
  // State
  state_locked: { status: 409, retry: 'wait' },
  state_fenced: { status: 409, retry: 'at-once' },
  state_conflict: { status: 409, retry: 'at-once' },
  state_corrupt: { status: 500, retry: 'never' },
  state_newer: { status: 500, retry: 'after-edit' },
  state_unavailable: { status: 503, retry: 'wait' },
  state_read_only: { status: 500, retry: 'after-edit' },
  disk_full: { status: 507, retry: 'wait' },
  master_key_wrong: { status: 500, retry: 'after-edit' },
  master_key_missing: { status: 500, retry: 'after-edit' },
  master_key_exposed: { status: 500, retry: 'after-edit' },
  secret_corrupt: { status: 500, retry: 'never' },
  // Others' servers
  no_dns_provider: { status: 422, retry: 'after-edit' },
  dns_unauthorized: { status: 422, retry: 'after-edit' },
  dns_zone_not_found: { status: 422, retry: 'after-edit' },
  dns_provider_failed: { status: 502, retry: 'wait' },
  dns_lookup_failed: { status: 502, retry: 'wait' },
  propagation_timeout: { status: 502, retry: 'wait' },
  acme_unreachable: { status: 502, retry: 'wait' },
  acme_untrusted: { status: 502, retry: 'after-edit' },
  acme_malformed: { status: 502, retry: 'wait' },
  acme_refused: { status: 502, retry: 'after-edit' },
  acme_order_failed: { status: 502, retry: 'wait' },
  acme_account_missing: { status: 409, retry: 'after-edit' },
  acme_terms_changed: { status: 409, retry: 'after-edit' },
  acme_eab_required: { status: 422, retry: 'after-edit' },
  acme_ca_retired: { status: 422, retry: 'after-edit' },
  backend_rate_limited: { status: 503, retry: 'wait' },
  challenge_failed: { status: 502, retry: 'after-edit' },
  listener_failed: { status: 500, retry: 'after-edit' },
  backend_timeout: { status: 502, retry: 'wait' },
  git_unreachable: { status: 502, retry: 'wait' },
  git_refused: { status: 422, retry: 'after-edit' },
  git_hostile: { status: 422, retry: 'after-edit' },
  signature_refused: { status: 403, retry: 'after-edit' },
  forge_unauthorized: { status: 422, retry: 'after-edit' },
  forge_failed: { status: 502, retry: 'wait' },
  egress_refused: { status: 422, retry: 'after-edit' },
  // Who may do what
  unauthorized: { status: 401, retry: 'after-edit' },
  forbidden: { status: 403, retry: 'after-edit' },
  rate_limited: { status: 429, retry: 'wait' },
  conflict: { status: 409, retry: 'after-edit' },
  // How the service is asked
  malformed: { status: 400, retry: 'after-edit' },
  method_not_allowed: { status: 405, retry: 'after-edit' },
  unsupported_media_type: { status: 415, retry: 'after-edit' },
  unavailable: { status: 503, retry: 'wait' },
  // The run itself
  dependency_failed: { status: 409, retry: 'at-once' },
  interrupted: { status: 499, retry: 'at-once' },
  internal: { status: 500, retry: 'never' },
} as const satisfies Record<string, ErrorFacts>

export type ErrorCode = keyof typeof errorCatalogue
