import { expect, test } from 'vitest'
import { createAnswers } from './answers.ts'

const ada = { Authorization: 'token ada', accept: 'json' }
const answer = (text: string) => ({ text })

test('an answer is for who asked for it: the same place and the same token', () => {
  const answers = createAnswers()
  answers.put('https://forge.example/pulls', ada, '"1"', answer('all'))
  const get = (url: string, headers: Record<string, string>) => answers.get(url, headers)?.etag
  expect(get('https://forge.example/pulls', { accept: 'json', authorization: 'token ada' })).toBe('"1"')
  expect(get('https://forge.example/pulls', { ...ada, Authorization: 'token ben' })).toBeUndefined()
  expect(get('https://forge.example/pulls?page=2', ada)).toBeUndefined()
})

test('what was used longest ago goes first, and what is too large is not kept', () => {
  const answers = createAnswers(10)
  const has = () => ['a', 'b', 'c'].filter(url => answers.get(url, {}) !== undefined)
  answers.put('a', {}, '1', answer('four'))
  answers.put('b', {}, '1', answer('four'))
  answers.get('a', {})
  answers.put('c', {}, '1', answer('four'))
  expect(has()).toEqual(['a', 'c'])
  answers.put('a', {}, '2', answer('4'))
  answers.put('b', {}, '1', answer('four'))
  expect(has()).toEqual(['a', 'b', 'c'])
  answers.put('a', {}, '3', answer('more than ten'))
  expect(has()).toEqual(['b', 'c'])
})
