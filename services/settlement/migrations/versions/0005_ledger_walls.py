"""What the ledger's tables refuse: changes, unbalanced or partial journals, foreign accounts, numbers before ids."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = ("accounts", "journals", "postings", "blocks", "contract_versions")

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only';
END $$
"""

# The seal relies on it: whoever holds a journal number has had a transaction id before (repository/blocks.py).
ID_BEFORE_NUMBER = """
CREATE FUNCTION id_before_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_current_xact_id();
  RETURN NULL;
END $$
"""

# The added rows are few and the tables are long: the planner settings keep a cached plan from reading a table whole.
BY_INDEX = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

# A journal comes whole, with its postings in the same statement. With the check on `line` below nothing joins it later.
JOURNALS_ARE_WHOLE = f"""
CREATE FUNCTION journals_are_whole() RETURNS trigger LANGUAGE plpgsql {BY_INDEX} AS $$
DECLARE
  wrong bigint;
BEGIN
  SELECT a.journal_no INTO wrong FROM added a
  WHERE a.lines <> (SELECT count(*) FROM postings p WHERE p.journal_no = a.journal_no) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal % has not the postings it says', wrong
      USING ERRCODE = 'check_violation', CONSTRAINT = 'journals_are_whole';
  END IF;
  RETURN NULL;
END $$
"""  # noqa: S608  # it is composed of the line above

# Each posting debits and credits one amount, so it balances; here it is seen that both accounts exist and have the
# journal's currency, that the day is the journal's in Shanghai (UTC+8), and that a partner's movement names its partner.
POSTINGS_FIT = f"""
CREATE FUNCTION postings_fit() RETURNS trigger LANGUAGE plpgsql {BY_INDEX} AS $$
DECLARE
  wrong bigint;
BEGIN
  SELECT a.journal_no INTO wrong
  FROM added a
  LEFT JOIN journals j ON j.journal_no = a.journal_no
  LEFT JOIN accounts d ON d.account_id = a.debit_account AND d.currency = j.currency
  LEFT JOIN accounts c ON c.account_id = a.credit_account AND c.currency = j.currency
  WHERE j.journal_no IS NULL OR d.account_id IS NULL OR c.account_id IS NULL OR a.line > j.lines
    OR a.posted_on <> (j.posted_at AT TIME ZONE INTERVAL '8 hours')::date
    OR a.partner_id::text IS DISTINCT FROM CASE
         WHEN d.kind IN ('payable', 'deferred') AND c.kind IN ('payable', 'deferred') AND d.owner <> c.owner
           THEN 'two partners'
         WHEN d.kind IN ('payable', 'deferred') THEN d.owner
         WHEN c.kind IN ('payable', 'deferred') THEN c.owner
       END
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a posting does not fit journal % and its accounts', wrong
      USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_fit';
  END IF;
  RETURN NULL;
END $$
"""  # noqa: S608  # it is composed of the line above

FUNCTIONS = (REFUSE_CHANGE, ID_BEFORE_NUMBER, JOURNALS_ARE_WHOLE, POSTINGS_FIT)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER id_before_number BEFORE INSERT ON journals FOR EACH STATEMENT EXECUTE FUNCTION id_before_number()"
    )
    for table, function in (("journals", "journals_are_whole"), ("postings", "postings_fit")):
        op.execute(
            f"CREATE TRIGGER {function} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER postings_fit ON postings")
    op.execute("DROP TRIGGER journals_are_whole ON journals")
    op.execute("DROP TRIGGER id_before_number ON journals")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for name in ("postings_fit", "journals_are_whole", "id_before_number", "refuse_change"):
        op.execute(f"DROP FUNCTION {name}()")
