import { EngineError } from '../core/errors.ts'

const primesBelow = (limit: number): bigint[] => {
  const primes: number[] = []
  for (let n = 3; n < limit; n += 2) if (primes.every(p => n % p !== 0)) primes.push(n)
  return primes.map(BigInt)
}

/** Primes whose residues of a ROCA modulus are all powers of 65537 (CVE-2017-15361); chance hits are about 2^-27. */
const rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

let powersOf65537: ReadonlyMap<number, ReadonlySet<number>> | undefined

function rocaTable(): ReadonlyMap<number, ReadonlySet<number>> {
  powersOf65537 ??= new Map(
    rocaPrimes.map(prime => {
      const powers = new Set<number>()
      for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power)
      return [prime, powers]
    }),
  )
  return powersOf65537
}

function integerSquareRoot(n: bigint): bigint {
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2))
  for (;;) {
    const next = (x + n / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

/** Rounds of Fermat's method, as public CAs run them: factors this close to each other come from broken generators. */
const fermatRounds = 100

/**
 * Refuses moduli that broken generators are known to make: small factors, ROCA, factors close together. BR 6.1.1.3.
 * Costs about a millisecond, so it belongs where foreign keys enter. Throws `key_refused`.
 */
export function refuseWeakModulus(modulus: Uint8Array): void {
  const n = BigInt(`0x${Buffer.from(modulus).toString('hex')}`)
  const refuse = (why: string): EngineError =>
    new EngineError('key_refused', `the RSA key is weak: ${why}`, {
      remedy: 'make a new key with a current tool, for example openssl genpkey',
    })
  if (primesBelow(752).some(prime => n % prime === 0n)) throw refuse('its modulus has a small factor')
  if ([...rocaTable()].every(([prime, powers]) => powers.has(Number(n % BigInt(prime))))) {
    throw refuse('its modulus has the ROCA form')
  }
  let a = integerSquareRoot(n)
  if (a * a < n) a += 1n
  for (let round = 0; round < fermatRounds; round++, a += 1n) {
    const square = a * a - n
    const root = square <= 1n ? square : integerSquareRoot(square)
    if (root * root === square) throw refuse('the factors of its modulus are too close together')
  }
}
