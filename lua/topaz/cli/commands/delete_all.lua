--- topaz-status delete-all: every status of the account, in one call.
local arguments = require "topaz.cli.arguments"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"

local function run(shell)
   local client = shell:client()
   if not shell.args.yes then
      problem.usage("delete-all deletes every status of the account", "add --yes to do that, or use delete-finished")
   end
   local count, err = client:delete_all_statuses()
   if not count then
      if err.outcome == "unknown" then
         problem.raise(problem.FAILED, problem.message(err),
            "the statuses may be deleted: see `topaz-status summary` before you repeat it")
      end
      error(err, 0)
   end
   output.write(count == true and "deleted; the response has no valid count\n"
      or ("deleted %d status%s\n"):format(count, count == 1 and "" or "es"))
end

return {
   name = "delete-all",
   summary = "Delete every status of the account.",
   description = "Delete every status of the account, in one call.",
   examples = [[
topaz-status delete-all --yes]],
   arguments = function(command)
      command:flag("--yes", "Confirm that every status is to be deleted.")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
