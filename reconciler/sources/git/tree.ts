/** One line of a folder's listing. */
export interface TreeEntry {
  readonly kind: 'file' | 'executable' | 'link' | 'folder' | 'submodule'
  readonly name: string
  /** Full object name. */
  readonly object: string
}

const kinds: Readonly<Record<string, TreeEntry['kind']>> = {
  100644: 'file',
  // Written by git before 2005, and still read as the one above.
  100664: 'file',
  100755: 'executable',
  120000: 'link',
  40000: 'folder',
  '040000': 'folder',
  160000: 'submodule',
}

const nameOctets = 20

/**
 * Reads a tree object: mode, space, name, NUL, 20 octets of object name, repeated. Undefined for what is none, and for
 * names that could lead out of their folder; git refuses those when it fetches, this is the second lock.
 */
export function parseTree(octets: Buffer): readonly TreeEntry[] | undefined {
  const entries: TreeEntry[] = []
  for (let at = 0; at < octets.length; ) {
    const space = octets.indexOf(32, at)
    const end = space < 0 ? -1 : octets.indexOf(0, space)
    if (end < 0 || end + 1 + nameOctets > octets.length) return undefined
    const kind = kinds[octets.toString('latin1', at, space)]
    const name = octets.toString('utf8', space + 1, end)
    if (kind === undefined || name === '' || name === '.' || name === '..' || name.includes('/')) return undefined
    entries.push({ kind, name, object: octets.toString('hex', end + 1, end + 1 + nameOctets) })
    at = end + 1 + nameOctets
  }
  return entries
}
