-- The questions that wait for an answer: a new roster puts them to the new holder of the duty.
CREATE INDEX clock_question ON clock (site, id) WHERE page_state = 'OPEN' AND kind = 'CONFIRM_SIGNAL';
