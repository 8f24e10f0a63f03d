/** What a buyer is told about a problem. Every code of the API that a buyer can meet has its own sentence. */
import type { ComposerTranslation } from 'vue-i18n'

import type { Problem } from '../api/problems'

export function sentence(problem: Problem, t: ComposerTranslation, has: (key: string) => boolean): string {
  const key = `problems.${problem.code.replaceAll('.', '_')}`
  const seconds = Number(problem.facts.retry_after_s ?? problem.facts.retry_after ?? 0)
  if (has(key)) return t(key, { seconds: seconds || 30, ...facts(problem) })
  if (problem.isUnknown) return t('problems.unavailable')
  return t('problems.other', { code: problem.code })
}

function facts(problem: Problem): Record<string, string | number> {
  const told = Object.entries(problem.facts).filter(
    ([, value]) => typeof value === 'string' || typeof value === 'number',
  )
  return Object.fromEntries(told) as Record<string, string | number>
}
