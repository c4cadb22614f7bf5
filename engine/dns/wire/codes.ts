/** RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 8945 §4.1: the types that this engine reads or writes. */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, TSIG: 250, ANY: 255 } as const

export type RecordType = keyof typeof recordTypes

/** RFC 1035 §3.2.4; NONE and ANY have their RFC 2136 §2.5 meaning in updates. */
export const classes = { IN: 1, NONE: 254, ANY: 255 } as const

export const opcodes = { QUERY: 0, UPDATE: 5 } as const

/** RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8945 §3 (16 to 18 appear in TSIG's error field only). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADTRUNC: 22,
} as const

const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, code]) => [code, name]))

/** The mnemonic of a response code, or `RCODE<n>` for one that has none here. */
export const rcodeName = (code: number): string => rcodeNames.get(code) ?? `RCODE${code}`
