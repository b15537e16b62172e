CREATE TABLE stations (id bigserial PRIMARY KEY, name text NOT NULL)
