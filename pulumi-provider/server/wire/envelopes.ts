/**
 * How a `google.protobuf.Struct` carries what JSON cannot: an object with a signature, or a string that stands for an
 * unknown value. Verified 2026-11 against sdk/go/common/resource/sig/sig.go and resource/plugin/rpc.go of 3.259.
 */

/** The key that makes an object an envelope; its value is a signature. */
export const signatureKey = '4dabf18193072939515e22adb298388d'

export const signatures = {
  secret: '1b47061264138c4ac30d75fd1eb44270',
  output: 'd0e6a833031e9bbcd3f4e8bde6ca49a4',
  resource: '5cf8f73096256a8f31e491e813e4eb8e',
  asset: 'c44067f5952c0a294b673a41bacd8c17',
  archive: '0def7320c3a5731c473e5ecbe6d01bc7',
  bytes: '803fd3297a5875dc03ca845dda5d2a98',
} as const

/** One string for each type that an unknown value may have. */
export const unknowns = {
  boolean: '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  number: '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  string: '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
  array: '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  asset: '030794c1-ac77-496b-92df-f27374a8bd58',
  archive: 'e48ece36-62e2-4504-bad9-02848725956a',
  object: 'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
} as const
