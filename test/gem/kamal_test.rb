# frozen_string_literal: true

require_relative "helper"
require_relative "../../package/gem/lib/signalbox/install/kamal"

class KamalTest < Minitest::Test
  def proposals(text) = Signalbox::Install::Kamal.new(text).proposals.map { |line| line[/\A[^#]*/].strip }

  WITH_JOBS = <<~YAML
    service: shop
    image: <%= ENV["REGISTRY"] %>/shop
    servers:
      web:
        - 192.168.0.1
      job:
        hosts:
          - 192.168.0.1
        cmd: bin/jobs
        env:
          clear:
            JOB_CONCURRENCY: 3
  YAML

  def test_proposes_time_to_deploy_and_to_stop_and_that_workers_wait
    assert_equal ["deploy_timeout: 300", "stop_timeout: 40", "servers: job: env: clear: SIGNALBOX_PREPARE: wait"],
                 proposals(WITH_JOBS)
  end

  def test_proposes_nothing_that_is_there_already
    assert_empty proposals(<<~YAML)
      deploy_timeout: 120
      stop_timeout: 60
      servers:
        web: [ 192.168.0.1 ]
        job:
          hosts: [ 192.168.0.1 ]
          cmd: bundle exec sidekiq -C config/sidekiq.yml
          env: { clear: { SIGNALBOX_PREPARE: wait } }
    YAML
  end

  def test_a_role_that_serves_is_no_worker
    assert_equal ["deploy_timeout: 300"], proposals("servers:\n  api:\n    hosts: [ a ]\n    cmd: bin/rails server -p 3001\n")
    assert_equal ["deploy_timeout: 300"], proposals("servers:\n  - 192.168.0.1\n")
  end

  def test_reads_anchors_and_erb_and_says_what_it_cannot_read
    assert_equal ["deploy_timeout: 300"], proposals("x-hosts: &hosts [ a ]\nservers:\n  web: *hosts\n<% if true %>\nenv: {}\n<% end %>\n")
    assert_match(/\Ait cannot be read: /, proposals("servers: [ a\n").first)
    assert_empty proposals("")
  end
end
