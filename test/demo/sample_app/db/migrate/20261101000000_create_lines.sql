CREATE TABLE lines (id bigserial PRIMARY KEY, name text NOT NULL)
