/** One review of a pull request, as GitHub and Gitea tell it. */
export interface Review {
  readonly login: string
  readonly verdict: 'approved' | 'rejected' | 'dismissed' | 'comment'
  /** The head commit that was reviewed. */
  readonly commit: string
  /** ISO instant. */
  readonly at: string
}

/**
 * Logins whose last word on this commit is an approval. A comment leaves the earlier word standing; an approval of
 * another commit says nothing about this one.
 */
export function approversOf(reviews: readonly Review[], headCommit: string): readonly string[] {
  const words = new Map<string, Review>()
  for (const review of reviews.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    if (review.verdict !== 'comment') words.set(review.login, review)
  }
  return [...words.values()]
    .filter(({ verdict, commit }) => verdict === 'approved' && commit === headCommit)
    .map(({ login }) => login)
}
