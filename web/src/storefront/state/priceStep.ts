/** One step of a price in the reader's language. The platform's own label is Chinese, and names tiers by their codes. */
import type { ComposerTranslation } from 'vue-i18n'

import type { Schemas } from '@/shared/api/client'
import { tenths } from '@/shared/text/format'

export function priceStep(step: Schemas['order.AdjustmentOut'], t: ComposerTranslation): string {
  const [kind, , first, second] = step.rule.split(':')
  if (kind === 'tier' && first)
    return t('checkout.tierStep', { tenths: tenths(Number(first)), percent: Number(first) / 100 })
  if (kind === 'ladder' && second) return t('checkout.ladderStep', { count: first ?? '' })
  return step.label
}
