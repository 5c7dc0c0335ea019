INSERT INTO `users` (`id`, `login`, `password`) VALUES (1,'@user@','$2y$10$@crypt53@');
