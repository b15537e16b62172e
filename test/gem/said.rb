# frozen_string_literal: true

# Comparisons with what lies beside a fixture. WRITE=1 writes it there instead, to be read before it
# is committed.
module Said
  def assert_said(path, text)
    return File.write(path, text) if ENV["WRITE"]

    assert_path_exists path
    assert_equal File.read(path), text, path
  end
end
