/**
 * Who this browser is. Tokens live in cookies that no script reads; the page holds the CSRF token, in memory only.
 * A renewal happens once for all requests of a tab; the gateway's grace covers other tabs.
 */
import { reactive, readonly } from 'vue'

import { asProblem, Problem, problemIn } from './problems'

export type Who = 'buyer' | 'operator'

interface SessionAnswer {
  signed_in: boolean
  subject: string | null
  scopes: string[]
  csrf_token: string
  guest_orders: string[]
}

const ANSWERS_WITHIN_MS = 15_000
const SAFE = new Set(['GET', 'HEAD'])

const state = reactive({
  signedIn: false,
  subject: null as string | null,
  scopes: [] as string[],
  guestOrders: [] as string[],
})
let who: Who = 'buyer'
let csrfToken = ''
let opening: Promise<void> | null = null
let renewing: Promise<boolean> | null = null

/** What every page may show: whether somebody is signed in, and a guest's orders. */
export const session = readonly(state)

/** Say for whom the pages are; before anything else. */
export function serve(audience: Who): void {
  who = audience
}

/** Learn who this browser is. Once, unless `again`. */
export async function openSession(options: { again?: boolean } = {}): Promise<void> {
  if (options.again) opening = null
  opening ??= exchange('GET', `/v1/session?who=${who}`).catch((error: unknown) => {
    opening = null
    throw error
  })
  await opening
}

export const signIn = (body: Record<string, string>): Promise<void> => begin('/v1/session', body)

export const register = (body: Record<string, string>): Promise<void> => begin('/v1/session/account', body)

export async function signOut(): Promise<void> {
  await openSession()
  await raw('DELETE', `/v1/session?who=${who}`)
  forget()
}

/** Send a request as this browser: with proof that it is our page, renewed and sent again where the token was over. */
export async function send(input: Request): Promise<Response> {
  if (!SAFE.has(input.method)) await openSession()
  const again = input.clone()
  const response = await attempt(input)
  if (response.status === 401 && (await renewed())) return attempt(again)
  if (response.status === 403 && (await problemIn(response)).code.startsWith('csrf.')) {
    await openSession({ again: true })
    return attempt(again)
  }
  return response
}

async function attempt(input: Request): Promise<Response> {
  const headers = new Headers(input.headers)
  if (!SAFE.has(input.method)) headers.set('x-csrf-token', csrfToken)
  try {
    return await fetch(new Request(input, { headers, signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }))
  } catch (error) {
    throw asProblem(error)
  }
}

async function begin(path: string, body: Record<string, string>): Promise<void> {
  await openSession()
  try {
    await exchange('POST', path, body)
  } catch (error) {
    if (!(error instanceof Problem) || !error.code.startsWith('csrf.')) throw error
    await openSession({ again: true })
    await exchange('POST', path, body)
  }
}

/** Whether there is a new access token now. A session that has ended is forgotten. */
async function renewed(): Promise<boolean> {
  await openSession()
  if (!state.signedIn) return false
  renewing ??= exchange('POST', `/v1/session/renewal?who=${who}`)
    .then(() => true)
    .catch((error: unknown) => {
      if (error instanceof Problem && error.isSignedOut) forget()
      return false
    })
    .finally(() => {
      renewing = null
    })
  return renewing
}

async function exchange(method: string, path: string, body?: Record<string, string>): Promise<void> {
  const response = await raw(method, path, body)
  const told = (await response.json()) as SessionAnswer
  csrfToken = told.csrf_token
  Object.assign(state, {
    signedIn: told.signed_in,
    subject: told.subject,
    scopes: told.scopes,
    guestOrders: told.guest_orders,
  })
}

async function raw(method: string, path: string, body?: Record<string, string>): Promise<Response> {
  const headers: Record<string, string> = {}
  if (!SAFE.has(method)) headers['x-csrf-token'] = csrfToken
  if (body) headers['content-type'] = 'application/json'
  const response = await fetch(path, {
    method,
    headers,
    body: body ? JSON.stringify(body) : null,
    cache: 'no-store',
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  }).catch((error: unknown) => {
    throw asProblem(error)
  })
  if (!response.ok) throw await problemIn(response)
  return response
}

function forget(): void {
  Object.assign(state, { signedIn: false, subject: null, scopes: [] })
}
