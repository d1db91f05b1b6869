-- The verdict on an appeal rests on evidence too, a dismissal always (section 5): names of pieces, which intake keeps. Empty before
-- it was decided, and of what an older release decided.
ALTER TABLE appeal ADD COLUMN evidence text[] NOT NULL DEFAULT '{}';

DO $$
DECLARE
  app text := 'redress_' || current_schema() || '_app';
BEGIN
  EXECUTE format('GRANT UPDATE (evidence) ON appeal TO %I', app);
END
$$;
