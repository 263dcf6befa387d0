--- topaz-status delete: single statuses, several at a time, told in the order they were given.
local arguments = require "topaz.cli.arguments"
local output = require "topaz.cli.output"

local function run(shell)
   shell:client() -- first: without a key nothing is read from the input
   local ids = shell:ids()
   shell.resume = function()
      return shell.answered < #ids
         and ("%s   (%d of %d are done; deleted ones will be reported as not found)"):format(shell:again(),
            shell.answered, #ids)
   end
   return shell:each("delete_status", ids, function(id, _, how)
      output.write(how == "already_gone" and "already gone" or "deleted", "\t", id, "\n")
   end)
end

return {
   name = "delete",
   summary = "Delete statuses by ID.",
   description = "Delete statuses. Exit code 3 if a job still runs, 5 if a status is not found.",
   examples = [[
topaz-status delete 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b
topaz-status list --status Failed --fields process_id | topaz-status delete -]],
   arguments = function(command)
      arguments.ids(command, "The statuses to delete.", "+")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
