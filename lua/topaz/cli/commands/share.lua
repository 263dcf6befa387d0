--- topaz-status share: asks the API for the processes that share a Redis, without jobs of its own.
local arguments = require "topaz.cli.arguments"
local core = require "topaz.core"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local topaz = require "topaz"

local STAY = 3600   -- seconds at a time
local PATIENCE = 5  -- seconds for Redis, where it is only looked at

-- What a role is for a reader.
local SAID = {
   lead = "leads", follow = "follows", alone = "alone",
}

local function tell(event)
   if event.type ~= "share" then return end
   output.write(SAID[event.reason], ": ", event.message, "\n")
   output.flush()
end

-- The client, which has to share.
local function client_of(shell, on_event)
   local given = options.of_client(shell.args, shell.getenv)
   given.on_event = on_event
   shell.made = shell:checked(topaz.client, given)
   local farm = core.state(shell.made)
   if not (farm and farm.share) then
      problem.usage("no Redis", "set TOPAZ_SHARE, or use --share URL or --share-file PATH")
   end
   return shell.made, farm.share
end

-- Returns the exit code: 1 where no process leads.
local function show(shell)
   local client = client_of(shell)
   local look, err = require "topaz.share".look(client, PATIENCE)
   if not look then
      shell:tell_error(err)
      return problem.FAILED
   end
   output.write("members\t", tostring(look.members), "\nids\t", tostring(look.ids), "\nleader\t",
      look.leads and "yes" or "no", "\nrate\t",
      look.rate and ("%g a second after the last 429"):format(look.rate) or "no limit", "\n")
   return look.leads and 0 or 1
end

local function run(shell)
   if shell.args.status then return show(shell) end
   local _, farm = client_of(shell, tell)
   local presence <close> = require "topaz.share.jobs".presence(farm)
   local stayed, err
   repeat
      stayed, err = presence:stay(STAY)
   until not stayed
   shell:tell_error(err)
   return problem.FAILED
end

return {
   name = "share", run = run,
   summary = "Ask the API for all processes that share a Redis.",
   description = "Ask the API for all processes that share a Redis, without jobs of its own, until Ctrl-C. "
      .. "For farms whose programs should only follow. With --status: show the farm; exit code 1 when no process "
      .. "leads it.",
   examples = [[
topaz-status share --share redis://127.0.0.1:6379/0
topaz-status share --status]],
   arguments = function(command)
      command:flag("--status", "Show how many processes share, whether one leads, and the rate.")
      arguments.share(command)
      arguments.common(command)
   end,
}
