# One row each time this runs.
ActiveRecord::Base.connection.execute(
  "INSERT INTO products (name, created_at, updated_at) " \
  "VALUES ('seed', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
)
