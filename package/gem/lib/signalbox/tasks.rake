# frozen_string_literal: true

namespace :signalbox do
  desc "Make Signalbox the ENTRYPOINT of the Dockerfile (options: bin/rails generate signalbox:install --help)"
  task :install do
    require "rails/command"
    Rails::Command.invoke :generate, ["signalbox:install"]
  end
end
