variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where the services run. us-central1, us-east1 and us-west1 have the most that is free."
  type        = string
  default     = "us-central1"
}

variable "prefix" {
  description = "Everything is named <prefix>-…; two Logweirs in one project need two."
  type        = string
  default     = "logweir"

  validation {
    # 19: a service account's id has 30 characters at most.
    condition     = can(regex("^[a-z][a-z0-9-]{0,17}[a-z0-9]$", var.prefix)) && !startswith(var.prefix, "goog")
    error_message = "The prefix must be 2 to 19 lower-case letters, digits and hyphens, and not begin with goog."
  }
}

variable "image" {
  description = "The image of both services, best by digest: scripts/deploy-gcp builds it and fills this in."
  type        = string
}

# ---- the database ----------------------------------------------------------------------------

variable "database" {
  description = "Firestore database. Free use is for (default)."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "The database must be (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "database_location" {
  description = "Region, or multi-region (nam5, eur3: about twice the price). Empty: the services' region. It can never be changed."
  type        = string
  default     = ""
}

variable "delete_protection" {
  description = "Databases, and with them all that was ever stored, survive `terraform destroy`."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Seven days of versions, for the price of their storage."
  type        = bool
  default     = false
}

variable "tenant_databases" {
  description = "Tenants with a database of their own, used under an account of its own: { acme = \"acme-logs\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for tenant in keys(var.tenant_databases) : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", tenant))])
    error_message = "A tenant must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or digit."
  }
  validation {
    condition     = alltrue([for id in values(var.tenant_databases) : can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", id))])
    error_message = "A tenant's database must be 4 to 63 lower-case letters, digits and hyphens, and not (default)."
  }
  validation {
    condition     = length(distinct(concat(values(var.tenant_databases), [var.database]))) == length(var.tenant_databases) + 1
    error_message = "Each tenant's database must be its own: two tenants share one, or one shares var.database."
  }
  validation {
    condition     = length(var.tenant_databases) < 100
    error_message = "A project has 100 databases at most, and one is everybody else's."
  }
}

# ---- the work --------------------------------------------------------------------------------

variable "seconds_per_character" {
  description = "How long the simulated work takes."
  type        = number
  default     = 0.05
}

variable "chunk_seconds" {
  description = "Work of one chunk of a long text."
  type        = number
  default     = 60

  validation {
    # A push is answered once its work is done, and Pub/Sub waits 600 s at most. Half of that is for
    # cold starts, the store and a busy processor. 0 (no chunks) would leave the work unbounded.
    condition     = var.chunk_seconds >= 1 && var.chunk_seconds <= 300
    error_message = "chunk_seconds must be 1 to 300: a push has 600 s at most, and 0 (no chunks) cannot be bounded."
  }
}

variable "text_bytes_max" {
  description = "Largest text, as UTF-8."
  type        = number
  default     = 4194304

  validation {
    # Up to here every text fits into one message (10 MB), and its JSON into Cloud Run's request
    # (32 MiB); so the gateway never needs to write to the database, and has no right to.
    condition     = var.text_bytes_max >= 1 && var.text_bytes_max <= 8388608
    error_message = "text_bytes_max must be 1 to 8388608 on Cloud Run."
  }
}

variable "backlog_characters_max" {
  description = "Text accepted and not worked on yet, of all tenants; above it 429. 0: no bound."
  type        = number
  default     = 1000000000

  validation {
    condition     = var.backlog_characters_max >= 0
    error_message = "backlog_characters_max must be 0 or more."
  }
}

variable "tenant_backlog_characters_max" {
  description = "The same of one tenant. Both 0: the gateway has no right to the database at all."
  type        = number
  default     = 100000000

  validation {
    condition     = var.tenant_backlog_characters_max >= 0
    error_message = "tenant_backlog_characters_max must be 0 or more."
  }
}

variable "attempts_max" {
  description = "Tries of work that raises."
  type        = number
  default     = 10
}

variable "redaction_file" {
  description = "File of redaction, TOML, as docs/redaction.md has it; relative to this folder. Empty: none."
  type        = string
  default     = ""

  validation {
    # Cloud Run takes no longer variable.
    condition     = var.redaction_file == "" || try(length(file(var.redaction_file)) <= 32000, false)
    error_message = "redaction_file must be a file of at most 32,000 characters."
  }
}

variable "redaction_key_secret" {
  description = "Name of the secret in Secret Manager that holds the key of hashes; empty: no hashes."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{0,255}$", var.redaction_key_secret))
    error_message = "redaction_key_secret must be the name of a secret of this project."
  }
}

variable "redaction_key_version" {
  description = "Its version. Not latest: workers started before and after a change would hash differently."
  type        = string
  default     = "1"

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.redaction_key_version))
    error_message = "redaction_key_version must be a number."
  }
}

variable "log_level" {
  description = "debug, info, warning or error."
  type        = string
  default     = "info"
}

# ---- what a flood may cost: the rest waits in the queue ------------------------------------------

variable "gateway_instances_max" {
  description = "Gateways at most; above that Cloud Run answers 429."
  type        = number
  default     = 4

  validation {
    condition     = var.gateway_instances_max >= 1 && var.gateway_instances_max <= 100
    error_message = "gateway_instances_max must be 1 to 100."
  }
}

variable "worker_instances_max" {
  description = "Workers at most; above that messages wait."
  type        = number
  default     = 4

  validation {
    condition     = var.worker_instances_max >= 1 && var.worker_instances_max <= 100
    error_message = "worker_instances_max must be 1 to 100."
  }
}

variable "gateway_concurrency" {
  description = "Requests at once in one gateway."
  type        = number
  default     = 200
}

variable "worker_concurrency" {
  description = "Pushes at once in one worker. Waiting costs nothing, so the most that Cloud Run allows."
  type        = number
  default     = 1000

  validation {
    condition     = var.worker_concurrency >= 1 && var.worker_concurrency <= 1000
    error_message = "worker_concurrency must be 1 to 1000."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "1Gi"
}

# ---- alerts ----------------------------------------------------------------------------------

variable "alerts" {
  description = "Watch the age of the backlog, and what could not be delivered or read."
  type        = bool
  default     = true
}

variable "backlog_alert_seconds" {
  description = "Alert when the oldest message is older."
  type        = number
  default     = 900
}

variable "alert_email" {
  description = "Who gets the alerts by e-mail; empty: nobody."
  type        = string
  default     = ""
}

variable "notification_channels" {
  description = "Ids of further notification channels (projects/…/notificationChannels/…)."
  type        = list(string)
  default     = []
}
