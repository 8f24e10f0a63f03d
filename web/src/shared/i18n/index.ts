/** Texts: Chinese is there at once, other languages come when they are chosen. */
import { createI18n } from 'vue-i18n'

export type Language = 'zh-CN' | 'en'

export interface Texts {
  [key: string]: string | Texts
}

const KEY = 'kq.language'

export function makeTexts(chinese: Texts, loadEnglish: () => Promise<Texts>) {
  const i18n = createI18n({
    legacy: false,
    locale: 'zh-CN',
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': chinese } as Record<string, Texts>,
    missingWarn: false,
    fallbackWarn: false,
  })

  async function speak(language: Language): Promise<void> {
    if (language === 'en' && !i18n.global.availableLocales.includes('en')) {
      i18n.global.setLocaleMessage('en', await loadEnglish())
    }
    i18n.global.locale.value = language
    document.documentElement.lang = language
    sessionStorage.setItem(KEY, language)
  }

  const remembered = sessionStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN'
  return { i18n, speak, ready: remembered === 'en' ? speak('en') : Promise.resolve() }
}
