import type { Define } from '../context.ts'
import { defineLooking } from './state/looking.ts'
import { defineMoving } from './state/moving.ts'
import { defineSurgery } from './state/surgery.ts'

/** `trustform state …`: what is recorded, its past, and its repair. */
export const define: Define = (command, action) => {
  defineLooking(command, action)
  defineSurgery(command, action)
  defineMoving(command, action)
}
