# frozen_string_literal: true

require_relative "helper"
require_relative "../../package/gem/lib/signalbox/install/edits"

class EditsTest < Minitest::Test
  Edit = Signalbox::Install::Edit
  Edits = Signalbox::Install::Edits

  TEXT = (1..12).map { |number| "#{number}\n" }.join

  def apply(*edits, text: TEXT) = Edits.new(text, edits).apply

  def test_inserts_replaces_and_deletes
    assert_equal "0\n#{TEXT}", apply(Edit.insert_before(1, ["0"]))
    assert_equal "#{TEXT}13\n", apply(Edit.insert_after(12, ["13"]))
    assert_equal "1\n5\n", apply(Edit.delete(2, 4), text: "1\n2\n3\n4\n5\n")
    assert_equal "a\nb\n3\n", apply(Edit.new(1, 2, %w[a b]), text: "1\n2\n3\n")
  end

  def test_several_edits_keep_their_places_whatever_their_order
    edits = [Edit.new(3, 3, ["c"]), Edit.delete(1, 1), Edit.insert_after(1, ["x"])]
    assert_equal "x\n2\nc\n", apply(*edits, text: "1\n2\n3\n")
  end

  def test_keeps_the_line_endings_of_windows_and_ends_the_last_line
    assert_equal "1\r\nx\r\n2\r\n", apply(Edit.insert_after(1, ["x"]), text: "1\r\n2\r\n")
    assert_equal "1\n2\nx\n", apply(Edit.insert_after(2, ["x"]), text: "1\n2")
  end

  def test_the_difference_shows_three_lines_around_and_joins_what_is_near
    rows = Edits.new(TEXT, [Edit.new(2, 2, ["two"]), Edit.delete(12, 12)]).difference
    assert_equal ["@@ line 2 @@", " 1", "-2", "+two", " 3", " 4", " 5", "@@ line 12 @@", " 9", " 10", " 11", "-12"],
                 (rows.map { |sign, line| sign == "@" ? line : sign + line })
    assert_equal 1, Edits.new(TEXT, [Edit.delete(2, 2), Edit.delete(7, 7)]).difference.count { |sign, _| sign == "@" }
  end
end
