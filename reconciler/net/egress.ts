import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { type ConnectGuard, type EgressTarget, egressRefused } from '../../engine/index.ts'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Decides which addresses a tenant may make the service connect to. Everything that is not a public unicast address,
 * and every address of this machine, is refused unless the operator listed it: a tenant must not reach the service's
 * own network and ports through it.
 */
export interface Egress {
  /** Throws `egress_refused`. Called with the address that is about to be used, never with a name alone. */
  readonly guard: ConnectGuard
  /**
   * Resolves a name once and answers an address that may be used, for programs that connect by themselves (git); they
   * must be told to use exactly this address.
   */
  addressOf(hostname: string, lookup?: Lookup): Promise<string>
}

export type Lookup = (hostname: string) => Promise<readonly string[]>

/** RFC 6052 §2.1, RFC 4291 §2.5.5.2: IPv6 prefixes that only carry an IPv4 address to a translator or the stack. */
const carriers: readonly [prefix: string, length: number][] = [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
]

/** RFC 4291 §2.4: global unicast is what IANA has given out, and that lies in one eighth of the space. */
const globalUnicast = ipaddr.IPv6.parse('2000::')

/** How a refused range is called in a sentence; anything else is "a special" one. */
const rangeWords: Readonly<Record<string, string>> = {
  loopback: 'a loopback',
  linkLocal: 'a link-local',
  private: 'a private',
  uniqueLocal: 'a unique-local',
  carrierGradeNat: 'a carrier-grade NAT',
  multicast: 'a multicast',
  broadcast: 'a broadcast',
  unspecified: 'an unspecified',
}

/** `allow`: CIDR ranges of `egress.allow`; `own` answers the addresses of this machine. */
export function createEgress(allow: readonly string[], own: () => readonly string[] = ownAddresses): Egress {
  const allowed = allow.map(range => ipaddr.parseCIDR(range))
  const lists = (address: Address) =>
    allowed.some(([network, length]) => network.kind() === address.kind() && within(address, network, length))

  function guard({ hostname, address }: EgressTarget): void {
    // A zone (fe80::1%eth0) says by which interface; it changes nothing about the range.
    const text = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
    if (!ipaddr.isValid(text)) throw egressRefused({ hostname, address }, 'it is not an IP address')
    const literal = ipaddr.parse(text)
    const effective = carried(literal)
    if (lists(literal) || lists(effective)) return
    const range = effective.range()
    const isPublic = range === 'unicast' && (effective.kind() === 'ipv4' || within(effective, globalUnicast, 3))
    if (!isPublic) throw egressRefused({ hostname, address }, `it is ${rangeWords[range] ?? 'a special'} address`)
    // Behind the machine's own firewall even a public address of it leads to ports that are closed to others.
    const isOwn = own().some(each => ipaddr.parse(each).toNormalizedString() === effective.toNormalizedString())
    if (isOwn) throw egressRefused({ hostname, address }, 'it is an address of this machine')
  }

  return {
    guard,
    async addressOf(hostname, lookup = system) {
      const name = hostname.replace(/^\[|\]$/g, '')
      const addresses = isIP(name) === 0 ? await lookup(name) : [name]
      const [first] = addresses
      if (first === undefined) throw egressRefused({ hostname, address: hostname }, 'it is a name without address')
      // One refused address among several refuses the name: its owner says that it may lead there.
      for (const address of addresses) guard({ hostname, address })
      return first
    },
  }
}

async function system(hostname: string): Promise<readonly string[]> {
  return (await systemLookup(hostname, { all: true })).map(({ address }) => address)
}

/** The IPv4 address inside an IPv6 one that leads to it; otherwise the address itself. */
function carried(address: Address): Address {
  if (address.kind() === 'ipv4') return address
  const octets = address.toByteArray()
  const carrier = carriers.some(([prefix, length]) => within(address, ipaddr.IPv6.parse(prefix), length))
  return carrier ? new ipaddr.IPv4(octets.slice(12)) : address
}

/** Whether an address lies in a network of its own family. */
function within(address: Address, network: Address, length: number): boolean {
  const [a, b] = [address.toByteArray(), network.toByteArray()]
  for (let bit = 0; bit < length; bit++) {
    const mask = 0x80 >> (bit & 7)
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return false
  }
  return true
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(
    each => each?.map(({ address }) => address.replace(/%.*$/, '')) ?? [],
  )
}
