CREATE TABLE trains (id bigserial PRIMARY KEY, name text NOT NULL)
