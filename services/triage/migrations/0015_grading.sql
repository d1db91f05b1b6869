-- A grade is moved by persons too, and suspected signals are asked about.

-- A signal may be dismissed, and one that nobody answers counts provisionally.
ALTER TABLE signal ADD COLUMN provisional_time timestamptz;
ALTER TABLE signal ADD COLUMN dismisser text;
ALTER TABLE signal ADD COLUMN dismiss_time timestamptz;
-- Why, in the words of whoever dismissed it.
ALTER TABLE signal ADD COLUMN dismiss_reason text;
ALTER TABLE signal ADD CONSTRAINT signal_dismissed
  CHECK ((dismisser IS NULL) = (dismiss_time IS NULL) AND (dismisser IS NULL) = (dismiss_reason IS NULL));

-- The grade without what counts provisionally; NULL where it is the grade.
ALTER TABLE decision ADD COLUMN firm_grade smallint;
-- The last word of a person on the grade, as domain::standing::Override writes it; NULL where there is none.
ALTER TABLE decision ADD COLUMN by_person jsonb;
ALTER TABLE decision ADD CONSTRAINT decision_firm CHECK (firm_grade > grade);

-- The lower grade that is proposed to whoever may lower it, by the newest decision.
ALTER TABLE case_file ADD COLUMN proposed_grade smallint;
CREATE INDEX case_file_proposed ON case_file (id DESC) WHERE proposed_grade IS NOT NULL;

-- A person's word on the grade set aside how many people complain: it is looked at again when the cluster grows.
ALTER TABLE case_file ADD COLUMN people_aside boolean NOT NULL DEFAULT false;
CREATE INDEX case_file_people_aside ON case_file (site, cluster, id) WHERE people_aside;
