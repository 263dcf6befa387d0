--- topaz-status delete-all: every status of the account, in one call.
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"

return function(shell)
   local client = shell:client()
   if not shell.args.yes then
      problem.usage("delete-all deletes every status of the account", "add --yes if that is meant, or use delete-finished")
   end
   local count, err = client:delete_all_statuses()
   if not count then
      if err.outcome == "unknown" then
         problem.raise(problem.FAILED, tostring(err), "it may have happened: see `topaz-status summary`, then decide")
      end
      error(err, 0)
   end
   output.write(count == true and "deleted; the server did not say how many\n"
      or ("deleted %d status%s\n"):format(count, count == 1 and "" or "es"))
end
