/** Money, moments and counts as people read them. All times are shown in Shanghai's. */

const ZONE = 'Asia/Shanghai'

/** 分 as an amount with its sign: 2500 → ¥25, 2590 → ¥25.90. */
export function money(minor: number, currency = 'CNY'): string {
  const whole = minor % 100 === 0
  return new Intl.NumberFormat('zh-CN', {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: whole ? 0 : 2,
    maximumFractionDigits: whole ? 0 : 2,
  }).format(minor / 100)
}

export function moment(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: ZONE,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  }).format(new Date(iso))
}

export function day(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeZone: ZONE, year: 'numeric', month: 'long', day: 'numeric' }).format(
    new Date(iso),
  )
}

/** Whole days until then; negative once it is over. */
export const daysUntil = (iso: string, now: number): number => Math.ceil((Date.parse(iso) - now) / 86_400_000)

/** 9000 ten-thousandths → "9" 折, 8500 → "8.5". */
export const tenths = (priceBp: number): string => String(Number((priceBp / 1000).toFixed(2)))

/** mm:ss, never negative. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}
