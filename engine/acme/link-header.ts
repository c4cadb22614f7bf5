/**
 * The targets of one relation in `Link` headers (RFC 8288 §3), absolute, in their order. ACME uses `alternate`
 * (RFC 8555 §7.4.2), `terms-of-service` (§7.3.3) and `up`.
 */
export function linksOf(headers: readonly string[], relation: string, base: string): string[] {
  const targets: string[] = []
  for (const header of headers) {
    for (const [, target, parameters] of header.matchAll(
      /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^",;]*))?)*)/g,
    )) {
      const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(parameters ?? '')
      const names = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/)
      if (target !== undefined && names.includes(relation) && URL.canParse(target, base)) {
        targets.push(new URL(target, base).href)
      }
    }
  }
  return targets
}
