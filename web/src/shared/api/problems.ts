/** A refusal in the platform's words: a stable code, and what else the answer told. */
export class Problem extends Error {
  override readonly name = 'Problem'

  constructor(
    readonly status: number,
    readonly code: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(code)
  }

  /** Whether nobody can say what became of the request: it may have worked. */
  get isUnknown(): boolean {
    return this.status === 0 || this.status >= 500 || this.code === 'idempotency.in_progress'
  }

  /** Whether the caller has to sign in first. */
  get isSignedOut(): boolean {
    return this.status === 401
  }
}

/** No answer came: the network, the server or the time. */
export const OFFLINE = 'network.offline'
export const TOO_SLOW = 'network.too_slow'

/** What the body of a failed answer says. */
export function problemOf(status: number, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body) {
    return new Problem(status, String(body.code), body as Record<string, unknown>)
  }
  return new Problem(status, `http.${status}`) // not ours: a proxy's page
}

/** The same, read from an answer that others may still read. */
export async function problemIn(response: Response): Promise<Problem> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null)
  return problemOf(response.status, body)
}

/** Any error as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof DOMException && error.name === 'TimeoutError') return new Problem(0, TOO_SLOW)
  if (error instanceof TypeError) return new Problem(0, OFFLINE)
  return new Problem(0, 'internal')
}
