import { isJsonObject, type Json, type JsonObject } from '../../engine/core/json.ts'
import type { Http, HttpRequest, HttpResponse } from '../../engine/core/ports.ts'

export interface FakeZone {
  readonly name: string
  readonly kind: string
  /** Contents by `name TYPE`; a content that starts with `!` is disabled. */
  readonly rrsets: Record<string, { ttl: number; contents: string[] }>
}

export interface PowerDnsApiOptions {
  readonly zones: readonly FakeZone[]
  /** 4.9.12 and 5.0.2 brought EXTEND and PRUNE; the real server of the tests is older. */
  readonly valueChanges: boolean
}

export interface PowerDnsApi {
  readonly http: Http
  /** `METHOD path changetype` of each request. */
  readonly requests: string[]
  /** Answers the next request so, once. */
  next(status: number, body: string, headers?: HttpResponse['headers']): void
}

/**
 * The part of PowerDNS's API that the tests cannot have from the packaged server: newer change types, rate limits
 * of a front end. Behaves as the source of 5.x does, including that EXTEND and PRUNE drop disabled records.
 */
export function createPowerDnsApi({ zones, valueChanges }: PowerDnsApiOptions): PowerDnsApi {
  const requests: string[] = []
  const canned: HttpResponse[] = []

  async function request({ method, url, body }: HttpRequest): Promise<HttpResponse> {
    const { pathname, searchParams } = new URL(url)
    const path = pathname.replace('/api/v1/servers/localhost', '')
    const changes = typeof body === 'string' ? readChanges(JSON.parse(body)) : []
    requests.push([method, path, ...changes.map(({ changetype }) => String(changetype))].join(' '))
    const prepared = canned.shift()
    if (prepared) return prepared
    if (path === '/zones')
      return answer(
        200,
        zones.map(({ name, kind }) => ({ id: `${name}.`, name: `${name}.`, kind })),
      )
    const zone = zones.find(({ name }) => path === `/zones/${name}.` || path === `/zones/${name}./notify`)
    if (zone === undefined) return answer(404, 'Not Found')
    if (path.endsWith('/notify')) return answer(200, { result: 'Notification queued' })
    if (method === 'GET') return answer(200, { rrsets: read(zone, searchParams.get('rrset_name'), valueChanges) })
    for (const change of changes) {
      const refusal = apply(zone, change, valueChanges)
      if (refusal !== undefined) return answer(422, { error: refusal })
    }
    return answer(204, '')
  }

  return {
    http: { request },
    requests,
    next: (status, text, headers = {}) => void canned.push({ status, headers, body: Buffer.from(text) }),
  }
}

const answer = (status: number, body: Json): HttpResponse => ({
  status,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

function readChanges(body: Json): readonly JsonObject[] {
  const rrsets = isJsonObject(body) && Array.isArray(body.rrsets) ? (body.rrsets as readonly Json[]) : []
  return rrsets.filter(isJsonObject)
}

/** Without a name the whole zone; with one, servers before 5.0 leave disabled records out. */
function read(zone: FakeZone, filter: string | null, complete: boolean): Json {
  return Object.entries(zone.rrsets).flatMap(([key, { ttl, contents }]) => {
    const [name, type] = key.split(' ')
    if (filter !== null && filter !== name) return []
    const shown = contents.filter(text => complete || filter === null || !text.startsWith('!'))
    const records = shown.map(text => ({ content: text.replace(/^!/, ''), disabled: text.startsWith('!') }))
    return [{ name: name ?? '', type: type ?? '', ttl, records, comments: [] }]
  })
}

function apply(zone: FakeZone, change: JsonObject, valueChanges: boolean): string | undefined {
  const key = `${change.name} ${change.type}`
  const ttl = Number(change.ttl)
  const records = Array.isArray(change.records) ? (change.records as readonly Json[]).filter(isJsonObject) : []
  const contents = records.map(({ content, disabled }) => `${disabled === true ? '!' : ''}${content}`)
  if (new Set(contents.map(text => text.replace(/^!/, ''))).size < contents.length) return 'Duplicate record in RRset'
  const present = zone.rrsets[key]
  if (change.changetype === 'REPLACE') {
    set(zone, key, ttl, contents)
    return undefined
  }
  if (!valueChanges) return 'Changetype not understood'
  const [content = ''] = contents
  const enabled = (present?.contents ?? []).filter(text => !text.startsWith('!'))
  if (enabled.includes(content) === (change.changetype === 'EXTEND')) return undefined
  if (present && enabled.length > 0 && present.ttl !== ttl) return 'RRset has records with different TTL'
  set(zone, key, ttl, change.changetype === 'EXTEND' ? [...enabled, content] : enabled.filter(text => text !== content))
  return undefined
}

function set(zone: FakeZone, key: string, ttl: number, contents: string[]): void {
  if (contents.length === 0) delete zone.rrsets[key]
  else zone.rrsets[key] = { ttl, contents }
}
