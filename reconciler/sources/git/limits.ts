/** What one repository may cost. */
export interface GitLimits {
  /** Octets of everything that is kept of it. */
  readonly size: number
  /** Octets of one file; a reader's own limit may be smaller. */
  readonly fileSize: number
  /** Octets of all files that are read at one commit: one file under many names is small only in the repository. */
  readonly manifests: number
  /** Files and folders below the paths of a source. */
  readonly entries: number
  /** Octets of one folder's listing. */
  readonly folderSize: number
  /** Folders within folders. */
  readonly depth: number
  /** Octets of one commit with its message and signature. */
  readonly commitSize: number
  /** Commits that one answer lists. */
  readonly commits: number
  /** Milliseconds for a fetch. */
  readonly fetchTime: number
  /** Milliseconds for asking where the branches are. */
  readonly askTime: number
}

const MiB = 1024 * 1024

export const defaultLimits: GitLimits = {
  size: 512 * MiB,
  fileSize: 16 * MiB,
  manifests: 16 * MiB,
  entries: 50_000,
  folderSize: 8 * MiB,
  depth: 64,
  commitSize: MiB,
  commits: 10_000,
  fetchTime: 300_000,
  askTime: 20_000,
}
