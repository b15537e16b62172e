# One row each time this runs: a number of products other than one shows that
# the seeds ran twice, or not at all.
ActiveRecord::Base.connection.execute(
  "INSERT INTO products (name, created_at, updated_at) VALUES ('seed', now(), now())"
)
