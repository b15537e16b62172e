CREATE TABLE timetables (id bigserial PRIMARY KEY, name text NOT NULL)
