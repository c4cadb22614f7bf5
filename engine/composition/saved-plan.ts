import { Secret } from '../core/secret.ts'
import type { Plan } from '../planner/plan.ts'
import { decodePlan, encodePlan, type PlanSigner } from '../planner/saved-plan.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Session } from './session.ts'

/** The text of a plan file; needs the tenant's keys, so they are made durable with the first plan that is saved. */
export async function savePlan(session: Session, plan: Plan): Promise<string> {
  const keyring = await session.keyring()
  await keyring.prepare()
  return encodePlan(plan, signerOf(keyring))
}

/** Reads a plan file back; a state without keys has signed none. Throws `plan_tampered`. */
export async function openPlan(session: Session, text: string, file: string): Promise<Plan> {
  return decodePlan(text, signerOf(await session.keyring()), file)
}

function signerOf(keyring: Keyring): PlanSigner {
  return {
    sign: octets => keyring.sign(octets),
    verify: (octets, signature) => keyring.verifySignature(octets, signature),
    seal: plaintext => {
      const { keyVersion, nonce, ciphertext } = keyring.seal(planRow, new Secret(plaintext))
      return [keyVersion, base64(nonce), base64(ciphertext)].join('.')
    },
    unseal: sealed => {
      const [keyVersion = '', nonce = '', ciphertext = ''] = sealed.split('.')
      const octets = (text: string) => Buffer.from(text, 'base64')
      const row = { keyVersion: Number(keyVersion), nonce: octets(nonce), ciphertext: octets(ciphertext) }
      return keyring.unseal(planRow, row).reveal()
    },
  }
}

/** What binds a literal secret in a plan file to plan files. */
const planRow = 'plan/literal'

const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64')
