import pb from '@pulumi/pulumi/proto/provider_pb.js'
import type { Difference, FieldDifference } from '../ports.ts'
import { topLevel } from '../property-path.ts'

const { Kind } = pb.PropertyDiff

const kinds = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
} as const satisfies Record<FieldDifference['kind'], readonly [updates: number, replaces: number]>

/** A difference in all the forms that the engine looks at. */
export function toDiffResponse({ fields, deleteBeforeReplace = false }: Difference): pb.DiffResponse {
  const replacing = [...fields].filter(([, { replaces }]) => replaces).map(([path]) => path)
  const response = new pb.DiffResponse()
    .setChanges(fields.size > 0 ? pb.DiffResponse.DiffChanges.DIFF_SOME : pb.DiffResponse.DiffChanges.DIFF_NONE)
    .setHasdetaileddiff(true)
    // These two go by top-level names only.
    .setDiffsList(unique([...fields.keys()].map(topLevel)))
    .setReplacesList(unique(replacing.map(topLevel)))
    .setDeletebeforereplace(deleteBeforeReplace && replacing.length > 0)
  const detailed = response.getDetaileddiffMap()
  for (const [path, { kind, replaces, input }] of fields) {
    detailed.set(path, new pb.PropertyDiff().setKind(kinds[kind][replaces ? 1 : 0]).setInputdiff(input))
  }
  return response
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]
