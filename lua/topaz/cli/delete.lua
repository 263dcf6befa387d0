--- topaz-status delete: single statuses, several at a time, told in the order they were given.
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"

local AHEAD = 64 -- deletions begun and not yet told
local FATAL = { unauthorized = true, forbidden = true, tls = true }

return function(shell)
   local client, ids = shell:client(), shell:ids()
   local requests, code, told = {}, 0, 0
   shell.resume = function()
      return told < #ids and ("%s   (%d of %d were answered; those that are gone will be told as not found)"):format(shell:again(), told, #ids)
   end
   for i = 1, #ids do
      for ahead = #requests + 1, math.min(i + AHEAD, #ids) do requests[ahead] = client:start("delete_status", ids[ahead]) end
      local done, answer = requests[i]:result()
      requests[i], told = false, i
      if done then
         output.write(answer == "already_gone" and "already gone" or "deleted", "\t", ids[i], "\n")
      else
         code = problem.FAILED
         shell:tell_error(answer)
         if FATAL[answer.kind] then break end
      end
   end
   return code
end
