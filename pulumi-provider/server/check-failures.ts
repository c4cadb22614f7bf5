import pb from '@pulumi/pulumi/proto/provider_pb.js'
import { type CheckFailure, holdsSecret, type Properties } from '../ports.ts'

/**
 * What is wrong with inputs, for the CLI. It prints the property's value beside the reason, a secret one in plain text,
 * and finds a value by a top-level name only (verified 2026-11 with 3.259: `domains[1]` is shown as `{<nil>}`). So only
 * a top-level property that holds no secret is named to it; any other is named in the reason.
 */
export function toCheckFailures(failures: readonly CheckFailure[], inputs: Properties): pb.CheckFailure[] {
  return failures.map(({ property, reason }) => {
    const message = new pb.CheckFailure()
    if (property === '') return message.setReason(reason)
    const value = Object.hasOwn(inputs, property) ? inputs[property] : undefined
    if (value !== undefined && !holdsSecret(value)) return message.setProperty(property).setReason(reason)
    return message.setReason(reason.includes(property) ? reason : `${property}: ${reason}`)
  })
}

/** The same where the engine took the marks of secrets off, so that any property could be one. */
export function toUnnamedFailures(failures: readonly CheckFailure[]): pb.CheckFailure[] {
  return toCheckFailures(failures, {})
}
