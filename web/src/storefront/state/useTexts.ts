/** Texts and sentences in the reader's language. */
import { useI18n } from 'vue-i18n'

import type { Problem } from '@/shared/api/problems'
import { sentence } from '@/shared/i18n/sentence'

export function useTexts() {
  const { t, te, locale } = useI18n()
  return { t, locale, told: (problem: Problem): string => sentence(problem, t, te) }
}
