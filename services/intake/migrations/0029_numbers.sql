-- People name a case by its number, without its site.
CREATE INDEX complaint_by_number ON complaint (number);
